"""One file and one class a format; the list of them is in `report.save`."""
