"""The JSON that commands print: fields in the order in which they are printed.

Structs of the engine's messages are used as they are where they hold what is promised. Those here
select or add fields; `msgspec.convert(..., from_attributes=True)` fills them. A document that needs
no parts of its own may be in the file of its command.
"""
