"""Movement primitives: a demonstrated motion between new ends, its shape kept."""
