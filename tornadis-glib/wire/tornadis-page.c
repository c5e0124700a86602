/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-page.h"

#include "tornadis-glib/values/tornadis-reply-pack-private.h"

typedef struct
{
  guint8 *page; /* (owned) (nullable) */
  gsize size;
} SparePage;

static void
spare_page_free (gpointer data)
{
  g_free (((SparePage *) data)->page);
  g_free (data);
}

static GPrivate spare_page = G_PRIVATE_INIT (spare_page_free);

guint8 *
tornadis_page_new (gsize size)
{
  SparePage *spare = g_private_get (&spare_page);

  if (spare != NULL && spare->page != NULL && spare->size == size)
    return g_steal_pointer (&spare->page);

  return g_malloc (size + TORNADIS_REPLY_PACK_STEP);
}

void
tornadis_page_spare (guint8 *page,
                     gsize size)
{
  SparePage *spare = g_private_get (&spare_page);

  if (spare == NULL)
    {
      spare = g_new0 (SparePage, 1);
      g_private_set (&spare_page, spare);
    }

  if (spare->page == NULL)
    *spare = (SparePage){ page, size };
  else
    g_free (page);
}
