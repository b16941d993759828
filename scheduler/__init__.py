"""The clock: firing a schedule puts an event into the inbox."""
