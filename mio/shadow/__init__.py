"""An engine that is tried beside a running node: same inputs, and its outputs go nowhere but into a comparison."""
