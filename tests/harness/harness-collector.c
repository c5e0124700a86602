/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-collector.h"

#include <gmodule.h>

/* From SpiderMonkey's API, the same in 102 and 128. */
#define JS_FINALIZE_GROUP_PREPARE 0
#define JS_FINALIZE_COLLECTION_END 3
#define JS_GC_OPTIONS_NORMAL 0
#define JS_GC_REASON_API 0

/* Enough to get on with marking, too little for a sweep. */
#define N_STEPS 500

static gpointer (*gjs_context_get_current) (void);
static gpointer (*gjs_context_get_native_context) (gpointer context);
static void (*js_add_finalize_callback) (gpointer context,
                                         void (*func) (gpointer, int, gpointer),
                                         gpointer user_data);
static void (*js_prepare_for_full_gc) (gpointer context);
static void (*js_start_incremental_gc) (gpointer context,
                                        guint32 options,
                                        int reason,
                                        gconstpointer budget);
static void (*js_incremental_gc_slice) (gpointer context,
                                        int reason,
                                        gconstpointer budget);
static gboolean (*js_is_incremental_gc_in_progress) (gpointer context);
static void (*js_slice_budget_construct) (gpointer self,
                                          gint64 n_steps);

static const struct
{
  const char *name;
  gpointer *function;
} symbols[] = {
  { "gjs_context_get_current", (gpointer *) &gjs_context_get_current },
  { "gjs_context_get_native_context", (gpointer *) &gjs_context_get_native_context },
  { "_Z22JS_AddFinalizeCallbackP9JSContextPFvPN2JS9GCContextE16JSFinalizeStatusPvES5_", (gpointer *) &js_add_finalize_callback },
  { "_ZN2JS16PrepareForFullGCEP9JSContext", (gpointer *) &js_prepare_for_full_gc },
  { "_ZN2JS18StartIncrementalGCEP9JSContextNS_9GCOptionsENS_8GCReasonERKN2js11SliceBudgetE", (gpointer *) &js_start_incremental_gc },
  { "_ZN2JS18IncrementalGCSliceEP9JSContextNS_8GCReasonERKN2js11SliceBudgetE", (gpointer *) &js_incremental_gc_slice },
  { "_ZN2JS25IsIncrementalGCInProgressEP9JSContext", (gpointer *) &js_is_incremental_gc_in_progress },
  { "_ZN2js11SliceBudgetC1ENS_10WorkBudgetE", (gpointer *) &js_slice_budget_construct },
};

static gpointer script; /* (unowned) (nullable) */
static gboolean sweeping;

static void
finalize_cb (gpointer gc_context,
             int status,
             gpointer user_data)
{
  if (status == JS_FINALIZE_GROUP_PREPARE)
    sweeping = TRUE;
  else if (status == JS_FINALIZE_COLLECTION_END)
    sweeping = FALSE;
}

static gpointer
find_script (void)
{
  GModule *program = g_module_open (NULL, 0);

  for (guint i = 0; i < G_N_ELEMENTS (symbols); i++)
    if (!g_module_symbol (program, symbols[i].name, symbols[i].function))
      g_error ("%s", g_module_error ());
  g_module_close (program);

  return gjs_context_get_native_context (gjs_context_get_current ());
}

/* Much more than sizeof (js::SliceBudget). */
typedef union
{
  guint8 bytes[1024];
  gint64 alignment;
} SliceBudget;

/**
 * tornadis_harness_collector_pause:
 *
 * Collects garbage in GJS, in slices, until it is in the middle of its sweep, and leaves it so.
 *
 * Returns: %FALSE if a sweep was not interrupted, in any of a hundred collections
 */
gboolean
tornadis_harness_collector_pause (void)
{
  SliceBudget budget = { { 0 } };

  if (script == NULL)
    {
      script = find_script ();
      js_add_finalize_callback (script, finalize_cb, NULL);
    }

  for (guint i = 0; i < 100 && !sweeping; i++)
    {
      js_slice_budget_construct (&budget, N_STEPS);
      if (!js_is_incremental_gc_in_progress (script))
        {
          js_prepare_for_full_gc (script);
          js_start_incremental_gc (script, JS_GC_OPTIONS_NORMAL, JS_GC_REASON_API, &budget);
        }

      while (!sweeping && js_is_incremental_gc_in_progress (script))
        {
          js_slice_budget_construct (&budget, N_STEPS);
          js_incremental_gc_slice (script, JS_GC_REASON_API, &budget);
        }
    }

  return sweeping;
}
