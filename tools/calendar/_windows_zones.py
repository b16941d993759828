"""Zones by the names that Windows gives them, which Outlook tells events by.

https://github.com/unicode-org/cldr/blob/main/common/supplemental/windowsZones.xml, its rows for the
whole world (`001`; read 2026-11-22). A name that does not stand here, such as one that a company
made, is not guessed.
"""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_STANDARD = {
    "Dateline": "Etc/GMT+12",
    "Hawaiian": "Pacific/Honolulu",
    "Alaskan": "America/Anchorage",
    "Pacific": "America/Los_Angeles",
    "US Mountain": "America/Phoenix",
    "Mountain": "America/Denver",
    "Central America": "America/Guatemala",
    "Central": "America/Chicago",
    "Canada Central": "America/Regina",
    "SA Pacific": "America/Bogota",
    "Eastern": "America/New_York",
    "US Eastern": "America/Indiana/Indianapolis",
    "Venezuela": "America/Caracas",
    "Paraguay": "America/Asuncion",
    "Atlantic": "America/Halifax",
    "SA Western": "America/La_Paz",
    "Pacific SA": "America/Santiago",
    "Newfoundland": "America/St_Johns",
    "E. South America": "America/Sao_Paulo",
    "SA Eastern": "America/Cayenne",
    "Argentina": "America/Argentina/Buenos_Aires",
    "Greenland": "America/Nuuk",
    "Montevideo": "America/Montevideo",
    "Azores": "Atlantic/Azores",
    "Cape Verde": "Atlantic/Cape_Verde",
    "GMT": "Europe/London",
    "Greenwich": "Atlantic/Reykjavik",
    "Morocco": "Africa/Casablanca",
    "W. Europe": "Europe/Berlin",
    "Central Europe": "Europe/Budapest",
    "Romance": "Europe/Paris",
    "Central European": "Europe/Warsaw",
    "W. Central Africa": "Africa/Lagos",
    "Namibia": "Africa/Windhoek",
    "Jordan": "Asia/Amman",
    "GTB": "Europe/Bucharest",
    "Middle East": "Asia/Beirut",
    "Egypt": "Africa/Cairo",
    "E. Europe": "Europe/Chisinau",
    "South Africa": "Africa/Johannesburg",
    "FLE": "Europe/Kyiv",
    "Israel": "Asia/Jerusalem",
    "Turkey": "Europe/Istanbul",
    "Arabic": "Asia/Baghdad",
    "Arab": "Asia/Riyadh",
    "Belarus": "Europe/Minsk",
    "Russian": "Europe/Moscow",
    "E. Africa": "Africa/Nairobi",
    "Iran": "Asia/Tehran",
    "Arabian": "Asia/Dubai",
    "Azerbaijan": "Asia/Baku",
    "Mauritius": "Indian/Mauritius",
    "Georgian": "Asia/Tbilisi",
    "Caucasus": "Asia/Yerevan",
    "Afghanistan": "Asia/Kabul",
    "West Asia": "Asia/Tashkent",
    "Pakistan": "Asia/Karachi",
    "India": "Asia/Kolkata",
    "Sri Lanka": "Asia/Colombo",
    "Nepal": "Asia/Kathmandu",
    "Bangladesh": "Asia/Dhaka",
    "Myanmar": "Asia/Yangon",
    "SE Asia": "Asia/Bangkok",
    "China": "Asia/Shanghai",
    "Singapore": "Asia/Singapore",
    "W. Australia": "Australia/Perth",
    "Taipei": "Asia/Taipei",
    "Tokyo": "Asia/Tokyo",
    "Korea": "Asia/Seoul",
    "Cen. Australia": "Australia/Adelaide",
    "AUS Central": "Australia/Darwin",
    "E. Australia": "Australia/Brisbane",
    "AUS Eastern": "Australia/Sydney",
    "West Pacific": "Pacific/Port_Moresby",
    "Tasmania": "Australia/Hobart",
    "Vladivostok": "Asia/Vladivostok",
    "Central Pacific": "Pacific/Guadalcanal",
    "New Zealand": "Pacific/Auckland",
    "Fiji": "Pacific/Fiji",
    "Tonga": "Pacific/Tongatapu",
    "Samoa": "Pacific/Apia",
}


def known_zone(name: str) -> str:
    """A zone's name among the IANA's, by that or by Windows'; empty for one that is not known."""
    theirs = _STANDARD.get(name.removesuffix(" Standard Time"), "")
    meant = theirs if name.endswith(" Standard Time") else name
    try:
        return ZoneInfo(meant).key if meant else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""
