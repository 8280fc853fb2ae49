/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLSTATE classes; see sqlstate.h. What no line names is the data's fault: the batch is split, and
 * a row that fails alone is dead with PostgreSQL's words. */
#include "store/sqlstate.h"

#include <stddef.h>
#include <string.h>

/* The first prefix that fits counts. */
static const struct {
    const char *prefix;
    enum fault_class fault;
} table[] = {
    { "00", FAULT_NONE },          { "01", FAULT_NONE }, { "02", FAULT_NONE },
    { "23503", FAULT_PARENT },     { "22", FAULT_DATA }, { "23", FAULT_DATA },
    { "44", FAULT_DATA },          { "54", FAULT_DATA }, { "P0", FAULT_DATA },
    { "08", FAULT_TRANSIENT },    /* the connection */
    { "25006", FAULT_TRANSIENT }, /* read-only: a standby, until it is promoted */
    { "25P03", FAULT_TRANSIENT }, /* the server ended a session that stood still within the batch */
    { "25P04", FAULT_TRANSIENT }, /* likewise, transaction_timeout */
    { "40001", FAULT_TRANSIENT }, /* serialization */
    { "40P01", FAULT_TRANSIENT }, /* deadlock */
    { "53100", FAULT_SERVER },    /* disk full */
    { "53300", FAULT_SERVER },    /* too many connections */
    { "53", FAULT_TRANSIENT },    /* memory: one huge row may ask for too much of it */
    { "55P03", FAULT_TRANSIENT }, /* lock_timeout */
    { "57014", FAULT_TRANSIENT }, /* statement_timeout, or somebody cancelled it */
    { "57P0", FAULT_TRANSIENT },  /* shutdown, crash, starting up, dropped under us */
    { "58", FAULT_SERVER },       /* the server's own files */
    { "26000", FAULT_DEPLOYMENT }, /* prepared statements do not last: a pooler in between */
    { "28", FAULT_DEPLOYMENT },    /* credentials */
    { "3D000", FAULT_DEPLOYMENT }, /* no such database */
    { "42", FAULT_DEPLOYMENT },    /* tables, columns, privileges */
};

/* What PostgreSQL's own words do not say. The first prefix that fits counts. */
static const struct {
    const char *prefix, *words;
} ways_out[] = {
    { "25006", "it is a standby, or set to read only" },
    { "28P01", "check user and password in the URL" },
    { "28", "the server's pg_hba.conf does not let this user in from here" },
    { "3D000", "make it with createdb, or name another in the URL" },
    { "42501", "grant it to the user of the URL" },
    { "53100", "the server's disk is full: free some; nothing is lost, work goes on by itself" },
    { "53200", "the server has no memory left: lower its work_mem or batch.rows, or give it more" },
    { "53300", "the server has no connection left: raise its max_connections, lower "
               "postgres.connections or the number of hosts, or put a pooler between" },
    { "55P03", "somebody else holds a lock: pg_stat_activity and pg_locks tell who" },
    { "58", "the server cannot use its own files: look at its log and its disks" },
};

const char *sqlstate_way_out(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof ways_out / sizeof *ways_out; i++)
        if (!strncmp(sqlstate, ways_out[i].prefix, strlen(ways_out[i].prefix)))
            return ways_out[i].words;
    return "";
}

enum fault_class sqlstate_class(const char *sqlstate)
{
    if (!sqlstate || !*sqlstate) return FAULT_TRANSIENT;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0) return table[i].fault;
    return FAULT_DATA;
}

const char *fault_class_name(enum fault_class fault)
{
    static const char *const names[] = {
        [FAULT_NONE] = "none",     [FAULT_DATA] = "data",
        [FAULT_PARENT] = "parent", [FAULT_TRANSIENT] = "transient",
        [FAULT_SERVER] = "server", [FAULT_DEPLOYMENT] = "deployment",
        [FAULT_MOVED] = "moved",
    };
    return names[fault];
}
