/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "trace/trace-mark.h"

#ifdef HAVE_SYSPROF

#include <sysprof-capture.h>

gboolean
trace_mark_is_wanted (void)
{
  return sysprof_collector_is_active ();
}

void
trace_mark (gint64 duration,
            const char *name,
            const char *message)
{
  gint64 nsec = duration * 1000;

  sysprof_collector_mark (SYSPROF_CAPTURE_CURRENT_TIME - nsec, nsec, "Tornadis", name, message);
}

#else

gboolean
trace_mark_is_wanted (void)
{
  return FALSE;
}

void
trace_mark (gint64 duration,
            const char *name,
            const char *message)
{
}

#endif
