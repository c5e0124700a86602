/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --tls and what goes with it. */

#include "tool.h"

/* --insecure: whose certificates are all good. */
typedef GTlsDatabase ToolTrustAll;
typedef GTlsDatabaseClass ToolTrustAllClass;

static GType tool_trust_all_get_type (void);

G_DEFINE_TYPE (ToolTrustAll, tool_trust_all, G_TYPE_TLS_DATABASE)

static GTlsCertificateFlags
trust_all_verify_chain (GTlsDatabase *database,
                        GTlsCertificate *chain,
                        const char *purpose,
                        GSocketConnectable *identity,
                        GTlsInteraction *interaction,
                        GTlsDatabaseVerifyFlags flags,
                        GCancellable *cancellable,
                        GError **error)
{
  return 0;
}

static void
tool_trust_all_class_init (ToolTrustAllClass *klass)
{
  klass->verify_chain = trust_all_verify_chain;
}

static void
tool_trust_all_init (ToolTrustAll *self)
{
}

static gboolean
options_read_files (ToolOptions *self,
                    GError **error)
{
  const char *file = self->cacert;

  if (self->insecure && self->tls_database == NULL)
    self->tls_database = g_object_new (tool_trust_all_get_type (), NULL);
  if (self->cacert != NULL && self->tls_database == NULL)
    {
      /* GLib wants a whole path. */
      g_autofree char *path = g_canonicalize_filename (self->cacert, NULL);

      self->tls_database = g_tls_file_database_new (path, error);
      if (self->tls_database == NULL)
        goto out;
    }

  if (self->cert != NULL && self->tls_certificate == NULL)
    {
      file = self->cert;
      self->tls_certificate = self->key != NULL ? g_tls_certificate_new_from_files (self->cert, self->key, error)
                                                : g_tls_certificate_new_from_file (self->cert, error);
      if (self->tls_certificate == NULL)
        goto out;
    }
  return TRUE;

out:
  g_prefix_error (error, "%s: ", file);
  return FALSE;
}

/* What would be said to a server in the clear, though its certificate was cared for, is not said. */
gboolean
tool_options_equip_tls (ToolOptions *self,
                        TornadisClient *client,
                        GError **error)
{
  gboolean has_options = self->cacert != NULL || self->cert != NULL || self->sni != NULL || self->insecure;
  gboolean tls;

  if (self->tls)
    g_object_set (client, "tls", TRUE, NULL);

  g_object_get (client, "tls", &tls, NULL);
  if (has_options && !tls)
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                           "--cacert, --cert, --key, --sni and --insecure need --tls, or a URI with rediss://");
      return FALSE;
    }
  if (!options_read_files (self, error))
    return FALSE;

  if (self->tls_database != NULL)
    g_object_set (client, "tls-database", self->tls_database, NULL);
  if (self->tls_certificate != NULL)
    g_object_set (client, "tls-certificate", self->tls_certificate, NULL);
  if (self->sni != NULL)
    {
      g_autoptr (GSocketConnectable) identity = g_network_address_new (self->sni, 0);

      g_object_set (client, "tls-server-identity", identity, NULL);
    }

  return TRUE;
}
