"""What a request asks for, read and checked; the same over HTTP and as a function."""
