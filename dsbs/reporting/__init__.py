"""The report: from run folders to plain structures, and from those to one page, figures and tables.

`dsbs.reporting.write.write_report(runs, out)` is the way in.
"""
