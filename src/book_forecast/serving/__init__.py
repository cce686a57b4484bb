"""The HTTP service: forecasts of a release, without any model library.

settings    environment variables and command line
source      finds the release to serve: one folder, or the champion of a store
loader      reads a payload in a process of its own
current     the release that is served
watch       notices another release and swaps
stock       advice on stock, a file beside the releases
predict     request in, predictions out; the same for HTTP, Vertex AI and the function
catalogue   the titles, indexed: facts, groups, search, left_out; views order them
totals      sums over groups of titles
tables      what files have: exports sends them, workbook writes them in another process
app         the application; routes, books, lists, sums, exports and page have its endpoints

It imports neither Kedro nor MLflow nor pandas, so it starts fast and needs little memory.
"""
