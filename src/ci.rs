//! CI platforms: where we run, for what event, and how results are told there.
