"""Lists of titles: metadata by ISBN."""
