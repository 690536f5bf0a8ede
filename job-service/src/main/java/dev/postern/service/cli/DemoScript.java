package dev.postern.service.cli;

import java.util.List;

/** What {@code ./postern demo} says to its database. */
final class DemoScript {

    private static final String TENANT = "00000000-0000-0000-0000-000000000001";
    private static final String SENDER = "00000000-0000-0000-0000-000000000002";

    /** Keeps every progress report of the export, which is over before anybody can watch it; the database is the demo's own. */
    static final String KEEP_PROGRESS = """
            create table public.demo_progress (id serial, progress jsonb);
            create function public.keep_progress() returns trigger language plpgsql as $$
            begin
              insert into public.demo_progress (progress) values (new.progress);
              return null;
            end $$;
            create trigger keep_progress after update of progress on app_jobs.jobs
            for each row when (new.progress is distinct from old.progress and new.progress is not null)
            execute function public.keep_progress()""";

    static final String UPLOAD = """
            select passport.upload_document(
              '%1$s',
              '{"product": {"model": "LFP-48V-100Ah", "chemistry": "LFP", "capacity_ah": 100},
                "materials": [{"name": "lithium", "mass_g": 1250.5, "recycled_percent": 6, "origin": "CL"},
                              {"name": "graphite", "mass_g": 8400, "recycled_percent": 0, "origin": "MZ"}]}',
              passport => passport.create_passport('%1$s', 'LFP-48V-100Ah, serial 7'),
              rules_id => passport.add_rules('%1$s', 'battery',
                '{"fields": [{"field": "model", "fact": "product.model", "required": true},
                             {"field": "chemistry", "fact": "product.chemistry", "one_of": ["LFP", "NMC"]},
                             {"field": "materials", "facts": "material."},
                             {"field": "mass_g", "sum": "material.", "of": "mass_g"}]}')
            )""".formatted(TENANT);

    static final String EXPORT = """
            select id from app_jobs.add_job(
              '%s'::uuid,
              'export-report',
              '{"reportType": "finished-jobs", "format": "csv"}'
            )""".formatted(TENANT);

    static final List<String> STATEMENTS = List.of(
            """
            select id from app_jobs.add_job(
              '%s'::uuid,
              'send-email-link',
              json_build_object(
                'email_type',   'invite_email',
                'email',        'user@example.com',
                'invite_token', 'invite-token-123',
                'sender_id',    '%s'
              )::json
            )""".formatted(TENANT, SENDER), """
            select id from app_jobs.add_job(
              '%s'::uuid,
              'send-email-link',
              json_build_object(
                'email_type',  'forgot_password',
                'email',       'user@example.com',
                'user_id',     '%s',
                'reset_token', 'reset-token-123'
              )::json
            )""".formatted(TENANT, SENDER), """
            select id from app_jobs.add_job(
              '%s'::uuid,
              'send-email-link',
              json_build_object(
                'email_type',         'email_verification',
                'email',              'user@example.com',
                'email_id',           gen_random_uuid(),
                'verification_token', 'verify-token-123'
              )::json
            )""".formatted(TENANT), """
            select id from app_jobs.add_job('%s'::uuid, 'system-ping')""".formatted(TENANT));

    private DemoScript() {}
}
