"""Texts that try to be more than text."""

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)> &amp; </details>"
CONTROL = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \x1b[2J\x9b5m bell\x07 back\x08"
REVERSED = "user \u202egnp.exe\u202c \u2066isolated\u2069"
MARKUP = "[bold red]markup[/] [link=file:///etc/passwd]here[/link] :smile: {+x+} [-y-]"
HOSTILE = "\n".join((SCRIPT, CONTROL, REVERSED, MARKUP))

FORBIDDEN = ("\x1b", "\x07", "\x08", "\x9b", "\u202e", "\u2066")
"""What no terminal may be sent."""
