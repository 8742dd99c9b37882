"""When a run works, pauses and moves: the carbon of a timetable, the best one, and what policies without foresight do."""
