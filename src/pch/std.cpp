// Built once so that other targets can reuse its precompiled header.
