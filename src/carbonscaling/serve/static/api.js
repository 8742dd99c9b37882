// Questions to the service, and its errors as they come.
export class Refused extends Error {
  constructor(error) {
    super(error.problem);
    this.error = error;
  }
}

const PAGE = Math.random().toString(36).slice(2); // those behind one address take turns; kept nowhere

async function checked(response) {
  const text = await response.text();
  if (response.ok) return text;
  let error = { problem: `the service answered ${response.status}` };
  try { error = JSON.parse(text).error || error; } catch { /* not ours: the status says it */ }
  throw new Refused(error);
}

const unreachable = () => { throw new Refused({ problem: "the service does not answer", remedy: "is carbonscaling serve still running?" }); };

export async function post(path, scenario, signal) {
  const body = JSON.stringify(scenario);
  const asked = fetch(`/api/v1/${path}`, { method: "POST", headers: { "content-type": "application/json", "x-page": PAGE }, body, signal });
  return checked(await asked.catch((error) => { if (error.name === "AbortError") throw error; return unreachable(); }));
}

export const catalogue = async () => JSON.parse(await checked(await fetch("/api/v1/catalog").catch(unreachable)));
