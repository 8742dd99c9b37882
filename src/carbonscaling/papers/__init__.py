"""Both CarbonScaling papers, figure by figure and claim by claim, computed by this package's own model.

Every figure is a module named after it (``v1_fig4``, ``v2_fig6``, …) with two functions: ``panels(study)`` returns what is
drawn, ``outcomes(study)`` what becomes of the figure's claims. A `study.Study` answers in ``paper`` mode (the papers'
hardware rows, equations and constants) or in ``physical`` mode (calibrated model, everyday hardware, sourced factors).
"""
