/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells ThreadSanitizer what GLib puts in order between threads. Distributions build GLib without the sanitizer, and it has
 * mutexes of its own: whatever one thread has left to another by one of these functions would be taken for a race. Loaded
 * ahead of GLib (LD_PRELOAD), it calls GLib's function, and says so. Built without the sanitizer, and does nothing in a
 * program that has none, such as a server that a test starts.
 *
 * What is put in order by a file descriptor, a pthread or an atomic operation in instrumented code the sanitizer sees by
 * itself: so it does what wakes a main context up that another thread runs, which is an eventfd. */

#include <dlfcn.h>
#include <glib-object.h>

/* The sanitizer's, where there is one. */
extern void __tsan_acquire (void *address) __attribute__ ((weak));
extern void __tsan_release (void *address) __attribute__ ((weak));

static void
acquire (gconstpointer address)
{
  if (__tsan_acquire != NULL)
    __tsan_acquire ((void *) address);
}

static void
release (gconstpointer address)
{
  if (__tsan_release != NULL)
    __tsan_release ((void *) address);
}

/* Declares @next, GLib's function of the name. */
#define NEXT(name)                                       \
  static __typeof__ (name) *next;                        \
                                                         \
  if (__atomic_load_n (&next, __ATOMIC_RELAXED) == NULL) \
  __atomic_store_n (&next, (__typeof__ (name) *) dlsym (RTLD_NEXT, #name), __ATOMIC_RELAXED)

void
g_mutex_lock (GMutex *mutex)
{
  NEXT (g_mutex_lock);
  next (mutex);
  acquire (mutex);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  gboolean locked;

  NEXT (g_mutex_trylock);
  locked = next (mutex);
  if (locked)
    acquire (mutex);
  return locked;
}

void
g_mutex_unlock (GMutex *mutex)
{
  NEXT (g_mutex_unlock);
  release (mutex);
  next (mutex);
}

void
g_cond_wait (GCond *cond,
             GMutex *mutex)
{
  NEXT (g_cond_wait);
  release (mutex);
  next (cond, mutex);
  acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond,
                   GMutex *mutex,
                   gint64 end_time)
{
  gboolean signalled;

  NEXT (g_cond_wait_until);
  release (mutex);
  signalled = next (cond, mutex, end_time);
  acquire (mutex);
  return signalled;
}

/* Its other half is inline, and an atomic operation on @location. */
void (g_once_init_leave) (volatile void *location,
                          gsize result)
{
  NEXT (g_once_init_leave);
  release ((gconstpointer) location);
  next (location, result);
}

gboolean (g_once_init_enter) (volatile void *location)
{
  gboolean first;

  NEXT (g_once_init_enter);
  first = next (location);
  if (!first)
    acquire ((gconstpointer) location);
  return first;
}

gpointer
g_once_impl (GOnce *once,
             GThreadFunc func,
             gpointer arg)
{
  gpointer result;

  NEXT (g_once_impl);
  result = next (once, func, arg);
  /* Only the first has something to tell, but nobody says who that is. */
  release (once);
  acquire (once);
  return result;
}

gboolean (g_atomic_ref_count_dec) (gatomicrefcount *ref_count)
{
  NEXT (g_atomic_ref_count_dec);
  release (ref_count);
  acquire (ref_count);
  return next (ref_count);
}

/* A class is initialized by whoever needs it first, and published by an atomic operation. */
typedef struct
{
  GClassInitFunc class_init; /* (nullable) */
  gconstpointer class_data;
} ClassInit;

static void
class_init (gpointer klass,
            gpointer class_data)
{
  ClassInit *self = class_data;

  if (self->class_init != NULL)
    self->class_init (klass, (gpointer) self->class_data);
  release (klass);
}

GType
g_type_register_static (GType parent_type,
                        const char *type_name,
                        const GTypeInfo *info,
                        GTypeFlags flags)
{
  GTypeInfo own = *info;
  ClassInit *wrapped;

  NEXT (g_type_register_static);
  if (info->class_size == 0 || G_TYPE_FUNDAMENTAL (parent_type) != G_TYPE_OBJECT)
    return next (parent_type, type_name, info, flags);

  wrapped = g_new (ClassInit, 1);
  *wrapped = (ClassInit){ info->class_init, info->class_data };
  own.class_init = class_init;
  own.class_data = wrapped;
  return next (parent_type, type_name, &own, flags);
}

GType
g_type_register_static_simple (GType parent_type,
                               const char *type_name,
                               guint class_size,
                               GClassInitFunc init,
                               guint instance_size,
                               GInstanceInitFunc instance_init,
                               GTypeFlags flags)
{
  const GTypeInfo info = {
    .class_size = (guint16) class_size,
    .class_init = init,
    .instance_size = (guint16) instance_size,
    .instance_init = instance_init,
  };

  return g_type_register_static (parent_type, type_name, &info, flags);
}

gpointer
g_type_class_ref (GType type)
{
  gpointer klass;

  NEXT (g_type_class_ref);
  klass = next (type);
  acquire (klass);
  return klass;
}

GObject *
g_object_new_valist (GType type,
                     const char *first_property_name,
                     va_list args)
{
  GObject *object;

  NEXT (g_object_new_valist);
  object = next (type, first_property_name, args);
  acquire (G_OBJECT_GET_CLASS (object));
  return object;
}

gpointer
g_object_new (GType type,
              const char *first_property_name,
              ...)
{
  GObject *object;
  va_list args;

  va_start (args, first_property_name);
  object = g_object_new_valist (type, first_property_name, args);
  va_end (args);
  return object;
}

GObject *
g_object_new_with_properties (GType type,
                              guint n_properties,
                              const char *names[],
                              const GValue values[])
{
  GObject *object;

  NEXT (g_object_new_with_properties);
  object = next (type, n_properties, names, values);
  acquire (G_OBJECT_GET_CLASS (object));
  return object;
}

void
g_object_unref (gpointer object)
{
  NEXT (g_object_unref);
  release (object);
  acquire (object);
  next (object);
}

void
g_bytes_unref (GBytes *bytes)
{
  NEXT (g_bytes_unref);
  release (bytes);
  acquire (bytes);
  next (bytes);
}

/* What is attached to a context while nobody runs it does not wake it up. */
guint
g_source_attach (GSource *source,
                 GMainContext *context)
{
  NEXT (g_source_attach);
  release (context != NULL ? context : g_main_context_default ());
  return next (source, context);
}

gboolean
g_main_context_iteration (GMainContext *context,
                          gboolean may_block)
{
  NEXT (g_main_context_iteration);
  acquire (context != NULL ? context : g_main_context_default ());
  return next (context, may_block);
}

void
g_main_loop_run (GMainLoop *loop)
{
  NEXT (g_main_loop_run);
  acquire (g_main_loop_get_context (loop));
  next (loop);
}

/* What is pushed to a pool of threads. */
typedef struct
{
  GFunc func;
  gpointer user_data;
} Work;

static void
work (gpointer data,
      gpointer user_data)
{
  Work *self = user_data;

  acquire (data);
  self->func (data, self->user_data);
}

GThreadPool *
g_thread_pool_new (GFunc func,
                   gpointer user_data,
                   int max_threads,
                   gboolean exclusive,
                   GError **error)
{
  /* As long as the process lives: so do the pools of the library and of GIO. */
  Work *wrapped = g_new (Work, 1);

  NEXT (g_thread_pool_new);
  *wrapped = (Work){ func, user_data };
  return next (work, wrapped, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool,
                    gpointer data,
                    GError **error)
{
  NEXT (g_thread_pool_push);
  release (data);
  return next (pool, data, error);
}
