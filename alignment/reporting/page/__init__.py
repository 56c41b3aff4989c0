"""The page of a run: one folder that a browser opens from disk, without a network.

`write.write_page` reads the folders of runs and writes `page/`: the application (from `assets/` and
`policies/browser/assets/`) and the data of the runs, whose layout `records` describes. To work on
the application with the data of a real run, write its page and open `index.html`:

    social-sandbox view runs/demo --output /tmp/demo_page --no-serve

The assets are copied: run the command again after a change of them.
"""
