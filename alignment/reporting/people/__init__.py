"""The report of what people judged: table, Markdown, JSON, figure, wandb."""
