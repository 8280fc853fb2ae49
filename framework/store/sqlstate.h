/* SPDX-License-Identifier: Apache-2.0
 *
 * What an SQLSTATE means to a batch, as one table. */
#ifndef STORE_SQLSTATE_H
#define STORE_SQLSTATE_H

enum fault_class {
    FAULT_NONE,
    FAULT_DATA,   /* a row's: split until it is alone, then its message is dead */
    FAULT_PARENT, /* 23503: its parent may be in another batch: retry, attempts spent when alone */
    FAULT_TRANSIENT,  /* run the batch again, no attempt spent; again and again it may be a row's */
    FAULT_SERVER,     /* likewise, but no row is ever to blame */
    FAULT_MOVED,      /* what some messages decided on: no SQLSTATE's, but a guard's own */
    FAULT_DEPLOYMENT, /* stop, say what is wrong, resume when mended; nothing is dead */
};

/* NULL or "": the server gave none (the connection went). */
enum fault_class sqlstate_class(const char *sqlstate);
/* What people can do about it; "" where the server's words suffice. */
const char *sqlstate_way_out(const char *sqlstate);
const char *fault_class_name(enum fault_class fault);

#endif
