"""Version 2, the revision, figure by figure."""

from carbonscaling.papers.v2 import accuracy, changes, hardware

__all__ = ["FIGURES"]

FIGURES = {
    "v2-sizes": hardware.sizes_of_the_family, "v2-fig1": accuracy.fig1, "v2-fig3": accuracy.fig3, "v2-fig4": hardware.fig4,
    "v2-fig5": hardware.fig5, "v2-fig6": changes.fig6, "v2-fig7": changes.fig7,
}  # fmt: skip
