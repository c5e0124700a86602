/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Before 1.82, GJS calls no JavaScript from C while its garbage collector sweeps: a callback, handler or hook that is due
 * is dropped, with a critical. A sweep is done in slices, however, and between them the program runs. So a sweep that is
 * under way is brought to its end before JavaScript is called; to mark, which takes longest, is still done in slices.
 *
 * GJS tells nobody that it sweeps. It learns that from SpiderMonkey, by a function that is called at both ends, and so
 * can others. Both are there where GJS is, and are looked up in the program. */

#include "introspection/bridge/tornadis-bridge-collector.h"

#include <gmodule.h>

#include "tornadis-glib/client/tornadis-private.h"

/* From SpiderMonkey's API, the same in 102 and 115. */
typedef struct _JSContext JSContext;

typedef enum
{
  JS_FINALIZE_GROUP_PREPARE,
  JS_FINALIZE_GROUP_START,
  JS_FINALIZE_GROUP_END,
  JS_FINALIZE_COLLECTION_END,
} JSFinalizeStatus;

typedef void (*JSFinalizeFunc) (gpointer gc_context,
                                JSFinalizeStatus status,
                                gpointer user_data);

#define JS_HEAP_STATE_IDLE 0
#define JS_GC_REASON_API 0

static gpointer (*gjs_context_get_current) (void);
static JSContext *(*gjs_context_get_native_context) (gpointer context);
static void (*js_add_finalize_callback) (JSContext *context,
                                         JSFinalizeFunc func,
                                         gpointer user_data);
static void (*js_finish_incremental_gc) (JSContext *context,
                                         int reason);
static gboolean (*js_is_incremental_gc_in_progress) (JSContext *context);
static int (*js_runtime_heap_state) (void); /* of the thread that calls it, which must be that of JavaScript */

static const struct
{
  const char *name;
  gpointer *function;
} symbols[] = {
  { "gjs_context_get_current", (gpointer *) &gjs_context_get_current },
  { "gjs_context_get_native_context", (gpointer *) &gjs_context_get_native_context },
  { "_Z22JS_AddFinalizeCallbackP9JSContextPFvPN2JS9GCContextE16JSFinalizeStatusPvES5_", (gpointer *) &js_add_finalize_callback },
  { "_ZN2JS19FinishIncrementalGCEP9JSContextNS_8GCReasonE", (gpointer *) &js_finish_incremental_gc },
  { "_ZN2JS25IsIncrementalGCInProgressEP9JSContext", (gpointer *) &js_is_incremental_gc_in_progress },
  { "_ZN2JS16RuntimeHeapStateEv", (gpointer *) &js_runtime_heap_state },
};

static int sweeping;           /* atomic; written by the thread of JavaScript alone */
static GThread *script_thread; /* (unowned) (nullable) that of JavaScript, once it is watched */
static JSContext *script;      /* (unowned) there as long as @sweeping is set */

static gboolean
find_symbols (void)
{
  GModule *program = g_module_open (NULL, 0);
  gboolean found = program != NULL;

  for (guint i = 0; found && i < G_N_ELEMENTS (symbols); i++)
    found = g_module_symbol (program, symbols[i].name, symbols[i].function) && *symbols[i].function != NULL;
  g_clear_pointer (&program, g_module_close);

  return found;
}

/* What GJS does with its own flag. */
static void
finalize_cb (gpointer gc_context,
             JSFinalizeStatus status,
             gpointer user_data)
{
  if (status == JS_FINALIZE_GROUP_PREPARE)
    g_atomic_int_set (&sweeping, TRUE);
  else if (status == JS_FINALIZE_COLLECTION_END)
    g_atomic_int_set (&sweeping, FALSE);
}

/* Not within a slice: what JavaScript has let go of may call this while it is finalized. */
static gboolean
can_settle (void)
{
  return g_atomic_int_get (&sweeping) && g_thread_self () == script_thread && js_runtime_heap_state () == JS_HEAP_STATE_IDLE;
}

static gboolean
settle_prepare (GSource *source,
                int *timeout)
{
  *timeout = -1;

  return can_settle ();
}

static gboolean
settle_check (GSource *source)
{
  return FALSE;
}

/* Not in prepare: in there nothing that is finalized could run a main loop. */
static gboolean
settle_dispatch (GSource *source,
                 GSourceFunc func,
                 gpointer user_data)
{
  tornadis_bridge_collector_settle ();

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs settle_funcs = {
  settle_prepare,
  settle_check,
  settle_dispatch,
};

/* For callbacks that the library has no part in, such as those of the program's timers. */
static void
attach_source (void)
{
  GSource *source = g_source_new (&settle_funcs, sizeof (GSource));

  g_source_set_static_name (source, "[tornadis] collector");
  g_source_set_priority (source, G_MININT);
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, NULL);
  g_source_unref (source);
}

static void
guard_marshal (GClosure *closure,
               GValue *return_value,
               guint n_values,
               const GValue *values,
               gpointer hint,
               gpointer marshal_data)
{
  tornadis_bridge_collector_settle ();
}

/**
 * tornadis_bridge_collector_watch:
 *
 * Follows the garbage collector of GJS, in whose thread it is called, from now on: sweeps are brought to their end by
 * [func@TornadisBridge.collector_settle], before each hook of a plugin, each function for an outcome, and each iteration
 * of the default main context.
 *
 * For GJS before 1.82, which calls no JavaScript while it sweeps.
 *
 * Returns: %FALSE where it cannot be followed
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_collector_watch (void)
{
  gpointer context;

  if (script_thread != NULL)
    return TRUE;

  context = find_symbols () ? gjs_context_get_current () : NULL;
  if (context == NULL)
    return FALSE;

  script = gjs_context_get_native_context (context);
  script_thread = g_thread_self ();
  js_add_finalize_callback (script, finalize_cb, NULL);
  /* It may have begun before. */
  g_atomic_int_set (&sweeping, js_is_incremental_gc_in_progress (script));
  attach_source ();
  TORNADIS_PRIVATE_CALL (prelude_set, tornadis_bridge_collector_settle);

  return TRUE;
}

/**
 * tornadis_bridge_collector_settle:
 *
 * Brings a sweep that is under way to its end, so that JavaScript can be called. In other threads than that of
 * JavaScript, and while something is finalized by the sweep itself, it does nothing.
 *
 * Since: 1.0
 */
void
tornadis_bridge_collector_settle (void)
{
  if (G_LIKELY (!g_atomic_int_get (&sweeping)) || !can_settle ())
    return;

  js_finish_incremental_gc (script, JS_GC_REASON_API);
  g_atomic_int_set (&sweeping, FALSE);
}

void
tornadis_bridge_collector_collect (void)
{
  GModule *program = g_module_open (NULL, 0);
  gpointer (*get_current) (void);
  void (*collect) (gpointer context);

  if (program != NULL && g_module_symbol (program, "gjs_context_get_current", (gpointer *) &get_current) &&
      g_module_symbol (program, "gjs_context_gc", (gpointer *) &collect))
    collect (get_current ());

  g_clear_pointer (&program, g_module_close);
}

/**
 * tornadis_bridge_collector_guard:
 * @object: an object
 * @detailed_signal: a signal
 * @after: whether the next handler is connected with `connect_after`
 *
 * Connects [func@TornadisBridge.collector_settle] to a signal, right before the handler that is connected next. A sweep
 * may begin in any handler that is called before.
 *
 * Returns: the handler's id, or 0 when there is no such signal
 *
 * Since: 1.0
 */
gulong
tornadis_bridge_collector_guard (GObject *object,
                                 const char *detailed_signal,
                                 gboolean after)
{
  guint signal_id;
  GQuark detail;
  GClosure *closure;

  g_return_val_if_fail (G_IS_OBJECT (object), 0);
  g_return_val_if_fail (detailed_signal != NULL, 0);

  if (!g_signal_parse_name (detailed_signal, G_OBJECT_TYPE (object), &signal_id, &detail, TRUE))
    return 0;

  closure = g_closure_new_simple (sizeof (GClosure), NULL);
  g_closure_set_marshal (closure, guard_marshal);

  return g_signal_connect_closure_by_id (object, signal_id, detail, closure, after);
}
