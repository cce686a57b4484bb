"""Projects, words and processes that the tests share."""
