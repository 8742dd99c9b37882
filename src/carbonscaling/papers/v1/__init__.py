"""Version 1 (arXiv 2508.06524v1), figure by figure."""

from carbonscaling.papers.v1 import accuracy, algorithms, best, hardware, limits

__all__ = ["FIGURES"]

FIGURES = {
    "v1-fig3": accuracy.fig3, "v1-fig4": best.fig4, "v1-fig5": best.fig5, "v1-fig6": hardware.fig6, "v1-fig7": hardware.fig7,
    "v1-fig8": hardware.fig8, "v1-fig9": algorithms.fig9, "v1-fig10": algorithms.fig10, "v1-limits": limits.limits,
}  # fmt: skip
