# SPDX-License-Identifier: GPL-2.0-or-later
"""The report as a page of HTML."""


def write(rows, results):
    path = results.rsplit(".", 1)[0] + ".html"
    return path
