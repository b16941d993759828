"""What an agent does inside the house: schedules, memory, hand-off."""
