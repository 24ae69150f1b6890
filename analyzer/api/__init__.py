"""The public face: `analyze` and its kin, and the plain data of `model` made able to show, draw and save itself.

Only what is here may import everything else; nothing but the command line imports what is here.
"""
