"""What a job runs on: devices, the hosts that hold them, the links between them, and their growth over the years.

Conventions, everywhere in this package: a *link* is the scale-up interconnect (NVLink, Infinity Fabric, ICI) and its
bandwidth is the sum over all links of a device and over both directions, as vendors quote it; a *network* is the
scale-out one (InfiniBand, Ethernet, a data-centre network) and its bandwidth is per device and per direction. Peaks are
dense. One device is what a data sheet calls one: a TPU chip, an MI250X module, one GPU of a superchip.
"""
