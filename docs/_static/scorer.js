// What the site's search puts first: pages that answer, then terms and the catalogue; the API and decisions after them.
const WEIGHTS = [
  [/^howto\//, 1.4], [/^(start|install|right|limits|fast|migrate|index|gallery\/index|model\/index)$/, 1.3], [/^reference\/glossary$/, 1.3],
  [/^reference\/(device|stack|law)\//, 1.2], [/^reference\/api\//, 0.3], [/^decisions\/appendix\//, 0.3], [/^decisions\//, 0.6], [/^(cli|reference\/schema)$/, 0.6],
];
var Scorer = {
  score: ([page, , , , score]) => score * (WEIGHTS.find(([shape]) => shape.test(page)) || [null, 1])[1],
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
