"""When a run works, pauses, moves, and with how much: timetables over real hours."""
