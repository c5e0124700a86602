/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Not for the tests themselves. */

#pragma once

#include "harness/harness-redis.h"

G_BEGIN_DECLS

/* From which the servers of a group connect to each other, each from an address of its own: --bind-source-addr. */
#define HARNESS_SOURCE_ADDRESS "127.0.1.{i}"

/* Cuts the @servers of which @far is set from those of which it is not, with @clients from clients too; with none set
 * all is as before. */
gboolean harness_partition (GPtrArray       *servers,
                            const gboolean  *far,
                            gboolean         clients,
                            GError         **error);

G_END_DECLS
