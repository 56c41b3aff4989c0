"""People judge models' answers: questions, the page's server, the record, and its report."""
