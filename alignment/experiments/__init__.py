"""The paper's experiments: many runs that differ in a setting and a seed, and one table of them.

`social-sandbox reproduce NAME` runs one. A file of `paper` describes an experiment; the rooms here
plan its parts, run them, measure them and write the table, the figure and the commands.
"""
