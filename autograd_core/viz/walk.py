from .records import Graph
def to_graph(x, who, model=None):
    return x
