"""The report: run folders become plain structures, and those become a page, figures and tables.

`dsbs.reporting.write.write_report(runs, out)` is the way in.
"""
