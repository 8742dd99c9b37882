// What the site's search puts first: pages that answer, then terms and the catalogue; the API and decisions after them.
const WEIGHTS = [
  [/^howto\//, 25], [/^(start|install|right|limits|fast|migrate|index|gallery\/index|model\/index)$/, 20], [/^reference\/glossary$/, 15],
  [/^reference\/(device|stack|law)\//, 10], [/^reference\/api\//, -40], [/^decisions\/appendix\//, -30], [/^decisions\//, -15], [/^(cli|reference\/schema)$/, -10],
];
var Scorer = {
  score: ([page, , , , score]) => score + (WEIGHTS.find(([shape]) => shape.test(page)) || [null, 0])[1],
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
