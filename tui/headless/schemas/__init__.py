"""The JSON documents that commands print: their fields, in the order in which they are printed."""
