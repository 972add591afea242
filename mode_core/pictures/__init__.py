"""Picture files to arrays and back: any photo as 8-bit sRGB, or a sentence that says why not.

No torch here; what strangers send is measured before it is opened.
May use: errors, stream, types.
"""
