"""What every plot uses: style, colours, SVG, page, and files written whole. Imports no other room of plots."""
