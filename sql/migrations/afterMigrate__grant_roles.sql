-- New functions are everybody's until somebody says otherwise.
select ${schema}.grant_roles();
