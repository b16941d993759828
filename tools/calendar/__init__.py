"""Tools for calendars: look, find a time, invite, change, cancel, answer."""
