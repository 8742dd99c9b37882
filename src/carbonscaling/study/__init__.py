"""Questions and answers: a `Scenario` goes in, an `Estimate` comes out."""
