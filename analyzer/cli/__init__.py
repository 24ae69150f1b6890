"""The command line: streams and exit codes (`main`), options, what they ask for (`command`), a progress bar."""
