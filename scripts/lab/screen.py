# SPDX-License-Identifier: GPL-2.0-or-later
"""Output for a person who watches: headings, captions, tables that grow, and a last line that is
rewritten in place. Where no terminal listens, plain lines without colour, and no rewriting.
"""

import os
import shutil
import textwrap

WIDTH = 80
COLOURS = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}


class Screen:
    """Where the lines go; out is a text stream."""

    def __init__(self, out):
        self.out = out
        self.tty = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def paint(self, text, *colours):
        if not self.tty or not colours:
            return text
        return f"\033[{';'.join(str(COLOURS[name]) for name in colours)}m{text}\033[0m"

    def line(self, text="", *colours):
        clear = "\r\033[K" if self.tty else ""
        print(clear + self.paint(text, *colours), file=self.out, flush=True)

    def live(self, text):
        """A line that the next one takes the place of."""
        if self.tty:
            room = min(WIDTH, shutil.get_terminal_size().columns) - 1
            print(f"\r\033[K{self.paint(text[:room], 'dim')}", end="", file=self.out, flush=True)

    def heading(self, text):
        self.line()
        self.line(f"-- {text} ".ljust(WIDTH, "-"), "bold", "cyan")

    def say(self, text, *colours):
        for line in textwrap.wrap(text, WIDTH):
            self.line(line, *colours)

    def shell(self, command, output, head=None):
        """A command as one would type it, and the first lines of what it said."""
        lines = output.splitlines()
        cut = head is not None and len(lines) > head
        command += f" | head -n {head}" if cut else ""
        self.line()
        self.line(" \\\n    ".join(textwrap.wrap(f"# {command}", WIDTH - 6)), "bold")
        for line in lines[:head] if cut else lines:
            self.line(line)
