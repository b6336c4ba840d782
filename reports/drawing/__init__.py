"""What a report is drawn as: numbers in, places and shapes out."""
