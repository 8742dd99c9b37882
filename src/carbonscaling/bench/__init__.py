"""How fast this machine answers: settings that the search decides a second, and cases that studies answer."""
