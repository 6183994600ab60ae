"""Least distances between sets of points, never more than on the Earth itself."""

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

# A sphere on which no two points are farther apart than on the WGS 84 ellipsoid:
# the ellipsoid's smallest radius of curvature, a (1 - e^2), latitudes as they are.
RADIUS_KM = 6335.4393
# Edge, on the unit sphere, of a cube of points that are ruled out together.
CUBE = 0.01
# More pairs of points than this are not compared one by one.
PAIRS = 3_000_000


def vectors(points):
    """Longitudes and latitudes as unit vectors."""
    lon, lat = np.radians(points).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


class Points:
    """Each cube is kept as a ball around one of its points."""

    def __init__(self, points):
        self.vectors = vectors(points)
        cubes = np.floor(self.vectors / CUBE).astype(int)
        _, first, self.ball = np.unique(cubes, axis=0, return_index=True, return_inverse=True)
        self.centres = self.vectors[first]
        self.radii = np.zeros(len(first))
        away = np.linalg.norm(self.vectors - self.centres[self.ball], axis=1)
        np.maximum.at(self.radii, self.ball, away)


def least(one, other):
    """In km."""
    between = cdist(one.centres, other.centres)
    # Centres are points too: the answer is not more than the least of these.
    near = between - one.radii[:, None] - other.radii <= between.min()
    few = one.vectors[near.any(axis=1)[one.ball]]
    many = other.vectors[near.any(axis=0)[other.ball]]
    if len(few) * len(many) <= PAIRS:
        chord = cdist(few, many).min()
    else:
        chord = cKDTree(many).query(few)[0].min()
    return 2 * RADIUS_KM * np.arcsin(min(1.0, chord / 2))
