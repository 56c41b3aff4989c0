"""The page of a run, written at the end of a job."""

from rich.text import Text

from ..context import Context


def write_page_of(context: Context) -> None:
    """Write `page/` in the output folder; log a page that differs from the last one to wandb.

    Where that fails, the job goes on after a warning.
    """
    from ...reporting.page.write import write_page
    from ...reporting.tracking.media import log_page

    console = context.console
    try:
        stamp = context.output_dir / "page" / "data" / "index.js"
        before = stamp.read_bytes() if stamp.exists() else None
        index = write_page([context.output_dir])
        if stamp.read_bytes() != before:
            log_page(context.wandb_run, index.parent)
    # Whatever it is: the results of hours must not be lost to a picture of them.
    except Exception as error:
        line = f"page: not written: {error}; social-sandbox view {context.output_dir} tries again"
        console.print(line, style="yellow", soft_wrap=True, highlight=False)
        return
    console.print(Text.assemble(("page", "bold"), f": {index}"), soft_wrap=True)
