"""Sizes of the fabrics whose patterns ``shaders/cloth.glsl`` draws."""

MATERIALS = ("knit", "rib", "weave", "plain")
"""Materials of cloth."""

KNIT_REPEAT_M = 0.026
"""Side of the piece of knitwear in which the pattern repeats: six columns of stitches."""
RIB_REPEAT_M = 0.020
WEAVE_REPEAT_M = 0.012
PLAIN_REPEAT_M = 0.05
